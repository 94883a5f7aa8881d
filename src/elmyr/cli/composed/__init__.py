"""The commands of what is made of several trainings: the articles, a sweep, suspected label errors."""
