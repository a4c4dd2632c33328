"""What the step types use to talk to a system: connections, protocols and how failures are worded."""
