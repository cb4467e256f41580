"""What runs on the virtual board, under MicroPython; the supervisor reads `layout` only."""
