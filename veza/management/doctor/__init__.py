"""What `manage.py doctor` looks at, and what it says is to be mended."""
