"""The demo: two real applications, a bounded spike against them, and a verdict."""
