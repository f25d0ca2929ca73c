"""Pipeline definitions: YAML in, validated `Pipeline` values out."""
