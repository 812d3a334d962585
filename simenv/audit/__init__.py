"""What a dataset covers, what predicts what in it, and how much of it is news."""
