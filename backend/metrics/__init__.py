"""Numbers without Django: Dice, lesion matching, FROC, AUC, confidence intervals."""
