// The page: one file with its style and its plots (SVG) inside.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "compare/report.h"
#include "compare/statistics.h"

namespace proa::compare {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --ink: #1c2430; --paper: #ffffff; --soft: #5b6675;
  --line: #d8dee6; --note: #fff4d6; --c0: #2a6fb0; --c1: #c4572b; --c2: #4d8a3c; --c3: #7b5aa6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --paper: #14181f; --soft: #9aa6b5;
  --line: #333c49; --note: #3a3213; --c0: #6fb1ec; --c1: #f0905f; --c2: #8cc878; --c3: #b79be0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; color: var(--ink);
  background: var(--paper); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.sub { color: var(--soft); margin: 0 0 1rem; }
.note { background: var(--note); border-radius: .5rem; padding: .7rem 1rem; margin: .5rem 0; }
.verdict { border-left: .3rem solid var(--c0); padding: .4rem 1rem; font-size: 1.15rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; }
figure { margin: 0; border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem; }
figcaption { font-weight: 600; }
figcaption span { display: block; font-weight: 400; font-size: .82rem; color: var(--soft); }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .soft { fill: var(--soft); }
svg .axis { stroke: var(--line); }
.own { color: var(--soft); font-size: .82rem; margin: .3rem 0 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
@media (max-width: 44rem) {
  /* A card for each candidate: columns side by side would lie beyond the edge. */
  table, tbody, tr, th, td { display: block; }
  tr:first-child { display: none; }
  tr { border-bottom: 1px solid var(--line); padding: .4rem 0; }
  th, td { border: 0; padding: .1rem 0; overflow-wrap: anywhere; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--soft); }
}
)css";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += letter;
    }
  }
  return out;
}

std::string title_of(const Candidate& candidate) {
  return candidate.emulated ? cat(candidate.name, " (emulated)") : candidate.name;
}

std::string fixed(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", number);
  return text;
}

// Geometry of a plot, in SVG's own units.
constexpr double kWidth = 300, kLeft = 1, kRow = 40, kBar = 12, kScale = 18;

struct Row {
  const Outcome* outcome;
  const Series* series;
  std::size_t colour;
};

double largest_of(const std::vector<Row>& rows) {
  double largest = 0;
  for (const Row& row : rows) {
    const auto interval = interval_of_median(row.series->samples);
    largest = std::max(largest, interval ? interval->high : median(row.series->samples));
  }
  return largest;
}

// A bar from zero to the median with its interval, for each candidate of one axis.
std::string plot(const Figure& figure, const std::vector<Row>& rows) {
  const double largest = largest_of(rows);
  const double scale = largest > 0 ? (kWidth - 2 * kLeft) / largest : 0;
  std::string out =
      cat("<svg viewBox=\"0 0 ", fixed(kWidth), " ",
          fixed(kRow * static_cast<double>(rows.size()) + kScale), "\" role=\"img\">");
  for (std::size_t at = 0; at < rows.size(); ++at) {
    const Row& row = rows[at];
    const double top = kRow * static_cast<double>(at);
    const double length = median(row.series->samples) * scale;
    out += cat("<text x=\"", fixed(kLeft), "\" y=\"", fixed(top + 15), "\">",
               escaped(title_of(row.outcome->candidate)), " <tspan class=\"soft\">",
               escaped(print_figure(figure, *row.series)), "</tspan></text>");
    out += cat("<rect x=\"", fixed(kLeft), "\" y=\"", fixed(top + 21), "\" width=\"",
               fixed(std::max(length, 1.0)), "\" height=\"", fixed(kBar),
               "\" rx=\"2\" fill=\"var(--c", row.colour % 4, ")\"/>");
    if (const auto interval = interval_of_median(row.series->samples)) {
      const double middle = top + 21 + kBar / 2;
      out += cat("<line x1=\"", fixed(kLeft + interval->low * scale), "\" x2=\"",
                 fixed(kLeft + interval->high * scale), "\" y1=\"", fixed(middle), "\" y2=\"",
                 fixed(middle), "\" stroke=\"var(--ink)\" stroke-width=\"2\"/>");
    }
  }
  // The axis: a bar alone would say nothing.
  const double bottom = kRow * static_cast<double>(rows.size());
  out += cat("<line class=\"axis\" x1=\"", fixed(kLeft), "\" x2=\"", fixed(kWidth - kLeft),
             "\" y1=\"", fixed(bottom), "\" y2=\"", fixed(bottom), "\"/><text class=\"soft\" x=\"",
             fixed(kLeft), "\" y=\"", fixed(bottom + 13), "\">0</text><text class=\"soft\" x=\"",
             fixed(kWidth - kLeft), "\" y=\"", fixed(bottom + 13), "\" text-anchor=\"end\">",
             print_number(largest), " ", escaped(figure.unit), "</text>");
  return out + "</svg>";
}

std::string figure_html(const Comparison& comparison, std::size_t at) {
  const Figure& figure = comparison.figures[at];
  std::vector<Row> native;
  std::vector<Row> emulated;
  for (std::size_t number = 0; number < comparison.outcomes.size(); ++number) {
    const Outcome& outcome = comparison.outcomes[number];
    const Row row{&outcome, &outcome.series[at], number};
    if (row.series->samples.empty()) continue;
    // What an emulated machine's speed is must not be read off beside the others'.
    const bool apart = outcome.candidate.emulated && figure.is_speed;
    (apart ? emulated : native).push_back(row);
  }
  if (native.empty() && emulated.empty()) return "";
  std::string out =
      cat("<figure><figcaption>", escaped(figure.title), ", ", escaped(figure.unit), " <span>",
          escaped(figure.explanation), " ", figure.better == Better::smaller ? "Less" : "More",
          " is better.</span></figcaption>");
  if (!native.empty()) out += plot(figure, native);
  if (!emulated.empty()) {
    out += cat("<p class=\"own\">On an axis of its own:</p>", plot(figure, emulated));
  }
  return out + "</figure>";
}

std::string isolation_html(const Comparison& comparison) {
  std::string out =
      "<div class=\"scroll\"><table><tr><th></th><th>Kernel</th><th>System calls</th>"
      "<th>Capabilities</th><th>Root inside</th><th>Namespaces of its own</th></tr>";
  for (const Outcome& outcome : comparison.outcomes) {
    out += cat("<tr><th>", escaped(title_of(outcome.candidate)), "</th>");
    if (!outcome.isolation) {
      out += cat("<td colspan=\"5\">", escaped(outcome.failure), "</td></tr>");
      continue;
    }
    const Isolation& told = *outcome.isolation;
    const std::string root = told.own_kernel  ? "of the guest only"
                             : told.host_root ? "the host's root"
                                              : "nobody on the host";
    const auto cell = [&](std::string_view label, const std::string& text) {
      out += cat("<td data-label=\"", label, "\">", escaped(text), "</td>");
    };
    cell("Kernel", cat(told.own_kernel ? "its own, " : "the host's, ", told.kernel));
    cell("System calls", cat(told.system_calls));
    cell("Capabilities", cat(told.capabilities));
    cell("Root inside", root);
    cell("Namespaces of its own", told.own_kernel ? "all" : join(told.namespaces, ", "));
    out += "</tr>";
  }
  return out + "</table></div>";
}

std::string sizes_html(const Comparison& comparison) {
  std::string out =
      cat("<p>The same image for every hull: ", print_megabytes(comparison.sizes.transfer),
          " to transfer, ", print_megabytes(comparison.sizes.store), " in the store");
  if (comparison.sizes.classic_disk) {
    out += cat("; a classic virtual machine disk of the same application takes ",
               print_megabytes(*comparison.sizes.classic_disk));
  }
  return out + ".</p>";
}

}  // namespace

std::string print_page(const Comparison& comparison, const Advice& advice) {
  std::string out =
      cat("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>",
          escaped(comparison.image), ": container or virtual machine</title><style>", kStyle,
          "</style></head><body>\n");
  out += cat("<h1>", escaped(comparison.image),
             "</h1><p class=\"sub\">Container or virtual "
             "machine? Measured ",
             escaped(comparison.when.substr(0, 10)), ", host kernel ",
             escaped(comparison.host_kernel), ", ", rounds_text(comparison.rounds),
             "; bars are medians, lines their 95&nbsp;% intervals.</p>\n");
  // Warnings come before anything is concluded.
  for (const std::string& warning : advice.warnings) {
    out += cat("<p class=\"note\">", escaped(warning), "</p>\n");
  }
  out += cat("<p class=\"verdict\">", escaped(advice.verdict), "</p>\n<ul>");
  for (const std::string& reason : advice.reasons) out += cat("<li>", escaped(reason), "</li>");
  out += "</ul>\n";
  if (!comparison.needs.empty()) {
    out +=
        cat("<p class=\"sub\">Declared needs: ", escaped(join(comparison.needs, ", ")), "</p>\n");
  }
  out += cat("<h2>Size</h2>", sizes_html(comparison), "<h2>Measured</h2><div class=\"plots\">\n");
  for (std::size_t at = 0; at < comparison.figures.size(); ++at) {
    out += figure_html(comparison, at) + "\n";
  }
  out += cat("</div>\n<h2>Isolation</h2>", isolation_html(comparison), "</body></html>\n");
  return out;
}

}  // namespace proa::compare
