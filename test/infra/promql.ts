import { parser } from '@prometheus-io/lezer-promql';

/** A metric that an expression asks for, and the labels that it asks of it. */
interface Selector {
  readonly metric: string;
  readonly labels: readonly { readonly name: string; readonly operator: string; readonly value: string }[];
}

export interface Query {
  readonly selectors: readonly Selector[];
  /** The labels that it groups or matches by. */
  readonly groupedBy: readonly string[];
}

/** Reads an expression by Prometheus' own grammar. Throws where it is none. */
export function readQuery(expression: string): Query {
  const selectors: { metric: string; labels: { name: string; operator: string; value: string }[] }[] = [];
  const groupedBy: string[] = [];
  let inGrouping = false;
  parser.parse(expression).iterate({
    enter({ type, from, to }) {
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`no PromQL at ${from} (${expression.slice(from, from + 30)}): ${expression}`);
      if (type.name === 'VectorSelector') selectors.push({ metric: '', labels: [] });
      if (type.name === 'GroupingLabels') inGrouping = true;
      const selector = selectors.at(-1);
      if (type.name === 'Identifier' && selector?.metric === '') selector.metric = text;
      if (type.name === 'LabelName') {
        if (inGrouping) groupedBy.push(text);
        else selector?.labels.push({ name: text, operator: '', value: '' });
      }
      const label = selector?.labels.at(-1);
      if (label !== undefined && !inGrouping) {
        if (type.name === 'MatchOp') label.operator = text;
        if (type.name === 'StringLiteral') label.value = JSON.parse(text) as string;
      }
    },
    leave({ type }) {
      if (type.name === 'GroupingLabels') inGrouping = false;
    },
  });
  return { selectors, groupedBy };
}

/** What an app exports: of each series' name the labels, and of each label the values seen. */
export type Exported = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/** Reads Prometheus' text format. A metric that has no series yet is known by its type, with no labels. */
export function readMetrics(text: string): Exported {
  const found = new Map<string, Map<string, Set<string>>>();
  const of = (name: string) => found.get(name) ?? found.set(name, new Map()).get(name)!;
  for (const line of text.split('\n')) {
    const [, metric] = /^# TYPE (\S+)/.exec(line) ?? [];
    if (metric !== undefined) of(metric);
    const [, name, labels = ''] = /^([a-z]\w*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (name === undefined) continue;
    for (const [, label, value] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      const values = of(name).get(label!) ?? new Set<string>();
      of(name).set(label!, values.add(value!));
    }
    of(name);
  }
  return found;
}
