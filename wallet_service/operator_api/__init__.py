"""The operator's own platform speaks to the wallet here: it opens wallets, moves money in and out, freezes players."""
