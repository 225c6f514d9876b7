"""Calibrations of judges in MLflow: prompt and parameters, what was measured, and every label beside its score."""

from configs.loading import LoadedApp
from tasks.identity import digest
from tasks.judging.calibrating import Calibrated
from tasks.judging.judge import Judge
from tasks.tracking.recording import Content, RecordedRun, as_json, record_run


def record_calibration(loaded: LoadedApp, judge: Judge, calibrated: Calibrated) -> RecordedRun:
    """Records a calibration, once.

    Args:
        loaded: the app.
        judge: which was calibrated.
        calibrated: what came of it.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    calibration = calibrated.calibration
    agreement, noise = calibration.agreement, calibration.noise
    state = "fit" if calibration.fit else "unfit"

    def content() -> Content:
        biases = {"position": calibration.position, "length": calibration.length, "orders": calibration.disagreement}
        return Content(
            name=f"calibrate · {judge.name} · {state}",
            tags={"lifecycle.judge": calibration.version, "lifecycle.state": state},
            parameters={
                "judge": calibration.version,
                "metric": calibration.metric,
                "model": calibration.model,
                "endpoint_model": calibration.endpoint,
                "prompt": judge.prompt.name,
                "prompt_digest": judge.prompt.digest,
                "scale": f"{judge.criterion.low} to {judge.criterion.high}, {judge.criterion.direction} is better",
                **judge.parameters.model_dump(exclude={"name"}),
                "epoch": calibration.epoch,
            },
            metrics={
                "labels": calibration.labels,
                "coverage": calibration.coverage,
                "kappa": agreement.kappa,
                "kappa.low": agreement.low,
                "kappa.high": agreement.high,
                "alike": agreement.alike,
                "base_rate": agreement.base_rate,
                "error": agreement.error,
                "constant_error": agreement.constant_error,
                "lenient": agreement.lenient,
                "noise": noise.deviation,
                "smallest_difference": noise.smallest_difference(calibration.labels),
                **{f"bias.{name}": bias.value for name, bias in biases.items() if bias is not None},
            },
            tables={
                "rows.json": calibrated.rows,
                "confusion.json": [
                    {"label": label, **{f"score {score}": n for score, n in zip(agreement.scale, line, strict=True)}}
                    for label, line in zip(agreement.scale, agreement.confusion, strict=True)
                ],
            },
            texts={
                "prompt.json": as_json([message.model_dump() for message in judge.prompt.messages]),
                "calibration.json": as_json(calibration.model_dump(mode="json")),
            },
        )

    key = digest([calibration, [row["label"] for row in calibrated.rows]])
    return record_run(loaded.app.name, "calibration", key, content)
