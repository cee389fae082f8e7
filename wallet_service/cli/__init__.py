"""The command line: thin commands over the service's parts, a file for each subject."""
