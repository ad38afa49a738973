"""What is done with a file, in a process of its own: no Django, no settings, no network."""
