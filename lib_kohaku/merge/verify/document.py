"""The outcome of a verification, in words and as JSON."""

from __future__ import annotations

from typing import Any

from lib_kohaku.merge.verify.run import VerifyReport

_LISTED = 5


def describe_report(report: VerifyReport) -> list[str]:
    """Lines for people, the verdict last."""
    lines = [f"compared {report.tensors} of {report.tensors_in_file} tensors, {report.elements:,} values"]
    if report.differing:
        share = 100 * report.differing / report.elements
        lines.append(
            f"{report.differing:,} values ({share:.4f} %) are not the correctly rounded result, "
            f"the worst by {report.worst_ulps} units in the last place"
        )
        lines += [
            f"  {finding.name}: {finding.differing:,} of {finding.elements:,}, up to {finding.worst_ulps} units"
            for finding in report.findings[:_LISTED]
        ]
    else:
        lines.append("every value is the correctly rounded result")
    lines += [f"  {problem}" for problem in report.layout_problems[:_LISTED]]
    lines.append("passed: the file is what its recipe says" if report.passed else "FAILED: the file is something else")
    return lines


def report_document(report: VerifyReport) -> dict[str, Any]:
    """Everything that the report says."""
    return {
        "passed": report.passed,
        "formula": report.recipe.formula,
        "tensors": report.tensors,
        "tensors_in_file": report.tensors_in_file,
        "elements": report.elements,
        "differing": report.differing,
        "worst_ulps": report.worst_ulps,
        "layout_problems": list(report.layout_problems),
        "findings": [
            {
                "tensor": finding.name,
                "elements": finding.elements,
                "differing": finding.differing,
                "worst_ulps": finding.worst_ulps,
            }
            for finding in report.findings
        ],
    }
