"""What the pixels mean."""
