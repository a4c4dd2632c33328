"""The pages of resources, environments and limits."""
