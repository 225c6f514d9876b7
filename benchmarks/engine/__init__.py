"""The evaluation engine side by side with its peers, against one simulated endpoint."""
