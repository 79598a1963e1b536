"""The operator: reconciles CloudAccount, Dataset and DatasetBinding into calls on Alibaba Cloud."""
