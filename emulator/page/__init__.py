"""The page for people at `/`: what the local cloud holds and what it was asked, read-only.

`serve` answers the files of `static/` and the JSON and pictures behind them; the rest of the folder makes plain
documents from the state. Every document is bounded: the page asks again every few seconds.
"""
