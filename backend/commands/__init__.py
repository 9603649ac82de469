"""The commands of the command line, a module each; `backend.cli` loads the one that is called."""
