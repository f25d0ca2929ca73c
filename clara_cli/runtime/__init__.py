"""Running one job: decisions (`schedule`), processes, the job socket, and the loop that ties them (`runner`)."""
