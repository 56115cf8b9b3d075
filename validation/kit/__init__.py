"""For the tests of others: ``testing.assert_agrees``, hypothesis ``strategies``, and the ``pytest_plugin``."""
