"""Rounds of training and their states, training policy, acquisition scores."""
