"""What augmenting reaches: retrieval, prompts and weights, each beside what it is compared with."""
