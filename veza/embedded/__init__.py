"""PostgreSQL and Valkey from wheels, for laptops and tests: started, watched and stopped by us."""
