"""What a user may write: task and object files, checked and located."""
