"""What must not change unseen: ids, the training sections that they hash, and what reports say of published records."""
