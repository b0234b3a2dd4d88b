"""Every process of a running system is killed in turn, under load; at the end nothing may have been lost."""
