"""Programs that use exported models, as they are written beside them: none imports elmyr or torch."""
