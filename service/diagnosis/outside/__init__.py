"""A deployment looked at from where people are: nothing is known of it but its address."""
