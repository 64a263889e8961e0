"""The report as JUnit's XML, which CI services draw: a test case for every clause.

There is no standard, but many consumers follow one of two schemas, Jenkins's (`junit-10.xsd`) or Ant's. This report
satisfies both: hence attributes and empty elements without content. A violation that does not fail the check is
reported as skipped, with its story as well; a clause that had to be checked and was not is an error.
"""

import re
import xml.etree.ElementTree as ET

from socketserver_reference.conformance.results.report import Report, line, own_version
from socketserver_reference.conformance.results.verdicts import Verdict


def write(report: Report) -> str:
    """Return the report as an XML document."""
    failed = [verdict for verdict in report.verdicts if report.fails(verdict)]
    lacking = [verdict for verdict in report.verdicts if report.lacks(verdict)]
    decisive = [*failed, *lacking]
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites,
        "testsuite",
        id="0",
        package=report.protocol,
        name=clean(f"{report.protocol} {report.target}"),
        hostname="localhost",  # Ant requires one; a report does not disclose the machine
        timestamp=report.began.strftime("%Y-%m-%dT%H:%M:%S"),
        time=f"{report.seconds:.3f}",
        tests=str(len(report.verdicts)),
        failures=str(len(failed)),
        errors=str(len(lacking)),
        skipped=str(sum(verdict.outcome != "holds" for verdict in report.verdicts if verdict not in decisive)),
    )
    properties = ET.SubElement(suite, "properties")
    facts = [("version", own_version()), ("command", report.rerun), ("dialect", report.dialect), ("seed", report.seed)]
    for name, value in [*facts, ("conclusion", report.conclusion)]:
        ET.SubElement(properties, "property", name=name, value=clean(str(value)))
    for verdict in report.verdicts:
        suite.append(_case(report, verdict))
    ET.SubElement(suite, "system-out").text = clean("\n".join([*report.misfit, *report.explored]))
    ET.SubElement(suite, "system-err")
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _case(report: Report, verdict: Verdict) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=f"{report.protocol}.{verdict.clause.profile}",
        name=clean(str(verdict.clause)),
        time=f"{report.spent.get(verdict.clause.id, 0.0):.3f}",
    )
    said, seen = clean(line(verdict)), verdict.violation
    if report.fails(verdict):
        message = clean(seen.observed) if seen else said
        told = ET.SubElement(case, "failure", type=verdict.clause.id, message=message)
        told.text = said
    elif report.lacks(verdict):
        told = ET.SubElement(case, "error", type=verdict.clause.id, message=said)
    elif verdict.outcome != "holds":
        told = ET.SubElement(case, "skipped", message=said)
    else:
        return case
    if seen is not None:
        links = {"again": report.again(verdict.clause.id), "page": report.page(verdict.clause.id)}
        lines = [f"{f'{name}:':<9} {link}" for name, link in links.items() if link]
        told.text = clean("\n".join([*seen.lines(verdict.clause), *lines]))
    return case


def clean(text: str) -> str:
    """Return text without the characters that XML cannot hold, even escaped."""
    return re.sub(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]", "?", text)
