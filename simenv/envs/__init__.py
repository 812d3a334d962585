"""A task as a Gymnasium environment: the agent trains in the domain that the dataset shows."""
