"""Everything but the screen: what talks to the remotes, what keeps their tasks, and what finds them again."""
