"""pytest_hubkit."""
