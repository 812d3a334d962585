"""What varies: the axes of a task and their values for scene i."""
