"""The figures of a sweep's report, each verdict in one; ``collection`` draws them all, ``style`` is their look."""
