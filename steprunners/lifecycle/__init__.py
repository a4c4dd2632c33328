"""One attempt of a step, and what comes next: finish, retry, or poll again."""
