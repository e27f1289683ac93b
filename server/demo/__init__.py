"""`tongke demo`: a whole lesson on one machine, to look at."""
