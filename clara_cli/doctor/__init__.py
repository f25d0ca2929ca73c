"""What on this machine would make jobs fail; looks only, changes nothing."""
