"""What people say of generated images."""
