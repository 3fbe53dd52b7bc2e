"""The applications that the demo protects. Each runs in a process of its own."""
