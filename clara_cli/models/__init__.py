"""The model repository: models that operators name in their definitions, checked and kept by clara."""
