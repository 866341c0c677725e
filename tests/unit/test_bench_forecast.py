"""The benchmark of the forecasters gives every number it promises."""

from __future__ import annotations

import pytest

from teletwin.bench.forecast import measure_forecast


def test_the_benchmark_reports_times_and_agreement_with_statsmodels():
    pytest.importorskip("statsmodels.tsa.ar_model")
    numbers = measure_forecast(calls=20, batch_calls=1)
    assert all(value is not None and value >= 0.0 for value in numbers.values())
    assert numbers["autoreg_parameter_difference_max"] < 1e-12
    assert numbers["autoreg_position_difference_m_max"] < 1e-12
    assert numbers["forecast_statsmodels_autoreg_ms_p50"] > 1e-3 * numbers["forecast_autoreg_us_p50"]
