"""What a sweep found: ``results``, ``tables``, ``figures``, the ``ledger`` of verdicts, and the
pages that show them."""
