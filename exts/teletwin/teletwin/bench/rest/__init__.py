"""Every way to rest: Hold, Stop, a fault, roles that die or stand still, at speed towards each border."""
