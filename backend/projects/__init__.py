"""Project, FindingType, Membership, Case (split, priority), Assignment (arm, lease), worklist."""
