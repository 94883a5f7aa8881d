"""What a study borrows from another set of images: how the images of a class differ, and what tells classes apart."""
