"""Fine-tuning by a provider, behind the same interface as on this machine."""
