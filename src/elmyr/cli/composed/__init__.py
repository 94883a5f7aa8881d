"""Commands of what is made of several things: the articles, a sweep, a model and images to explain."""
