/** The layout of the workflow graph: the positions of agents, and the paths of the lines between them. */

import { Graph, layout } from "@dagrejs/dagre";
import type { WorkflowNode } from "@vibewire/client";
import { spelled } from "../hidden_characters.ts";

interface PlacedNode {
  name: string;
  tools: string[];
  /** A handoff names it, but it is no agent of this source. */
  isUnknown: boolean;
  left: number;
  top: number;
  width: number;
  height: number;
}

interface PlacedEdge {
  from: string;
  to: string;
  kind: "handoff" | "tool";
  path: string;
  /** Left and top of the component that it belongs to. */
  move: string;
}

interface PlacedGraph {
  nodes: PlacedNode[];
  edges: PlacedEdge[];
  width: number;
  height: number;
}

export const LINE = 17;
const CHARACTER = 7.3;
const PADDING = 12;
const HEAD = 32;
export const SHOWN_TOOLS = 4;
const LONGEST_NAME = 24;
const ROW_WIDTH = 262;
const GAP = 10;

export function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
}

/** Lays out connected agents from top to bottom, and the components in rows. */
export function placeNodes(nodes: readonly WorkflowNode[]): PlacedGraph {
  const boxes = boxesOf(nodes);
  const links = linksOf(nodes);
  const graph: PlacedGraph = { nodes: [], edges: [], width: 1, height: 0 };
  let left = 0;
  let rowHeight = 0;
  const parts = componentsOf([...boxes.keys()], links).map((names) => layOut(names, boxes, links));
  parts.sort((one, other) => other.nodes.length - one.nodes.length);
  for (const part of parts) {
    if (left > 0 && left + part.width > ROW_WIDTH) {
      graph.height += rowHeight + GAP;
      left = 0;
      rowHeight = 0;
    }
    const move = `${left} ${graph.height}`;
    for (const node of part.nodes) graph.nodes.push({ ...node, left: node.left + left, top: node.top + graph.height });
    for (const edge of part.edges) graph.edges.push({ ...edge, move });
    left += part.width + GAP;
    rowHeight = Math.max(rowHeight, part.height);
    graph.width = Math.max(graph.width, left - GAP);
  }
  graph.height += rowHeight;
  return graph;
}

type Link = Pick<PlacedEdge, "from" | "to" | "kind">;

function boxesOf(nodes: readonly WorkflowNode[]): Map<string, PlacedNode> {
  const boxes = new Map<string, PlacedNode>();
  const agents = new Set(nodes.map((node) => node.name));
  const put = (name: string, tools: string[], isUnknown: boolean) => {
    const lines = Math.min(tools.length, SHOWN_TOOLS + 1);
    const longest = Math.max(
      shortened(spelled(name)).length + 2,
      ...tools.slice(0, SHOWN_TOOLS).map((tool) => shortened(spelled(tool)).length + 1),
    );
    const width = Math.round(longest * CHARACTER + 2 * PADDING);
    const height = HEAD + (lines > 0 ? lines * LINE + 6 : 0);
    boxes.set(name, { name, tools, isUnknown, left: 0, top: 0, width, height });
  };
  for (const node of nodes)
    put(
      node.name,
      node.tools.filter((tool) => !agents.has(tool)),
      false,
    );
  for (const node of nodes) for (const to of node.handoffs) if (!boxes.has(to)) put(to, [], true);
  return boxes;
}

function linksOf(nodes: readonly WorkflowNode[]): Link[] {
  const agents = new Set(nodes.map((node) => node.name));
  return nodes.flatMap((node) => [
    ...node.handoffs.map((to): Link => ({ from: node.name, to, kind: "handoff" })),
    ...node.tools.filter((tool) => agents.has(tool)).map((to): Link => ({ from: node.name, to, kind: "tool" })),
  ]);
}

function componentsOf(names: string[], links: Link[]): string[][] {
  const neighbours = new Map(names.map((name) => [name, [] as string[]]));
  for (const { from, to } of links) {
    neighbours.get(from)?.push(to);
    neighbours.get(to)?.push(from);
  }
  const seen = new Set<string>();
  return names.flatMap((first) => {
    if (seen.has(first)) return [];
    seen.add(first);
    const found = [first];
    for (const name of found) {
      for (const next of neighbours.get(name) ?? []) {
        if (!seen.has(next)) found.push(next);
        seen.add(next);
      }
    }
    return [found];
  });
}

function layOut(names: string[], boxes: ReadonlyMap<string, PlacedNode>, links: Link[]): PlacedGraph {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 14, ranksep: 32, marginx: 3, marginy: 3 });
  graph.setDefaultEdgeLabel(() => ({}));
  const placed = names.map((name) => boxes.get(name) as PlacedNode);
  for (const { name, width, height } of placed) graph.setNode(name, { width, height });
  for (const { from, to, kind } of links) if (graph.hasNode(from)) graph.setEdge(from, to, {}, kind);
  layout(graph);
  const nodes = placed.map((node) => {
    const { x, y } = graph.node(node.name) as Point;
    return { ...node, left: x - node.width / 2, top: y - node.height / 2 };
  });
  const edges = graph.edges().map((edge) => {
    const { points } = graph.edge(edge) as { points: Point[] };
    return { from: edge.v, to: edge.w, kind: edge.name as PlacedEdge["kind"], path: smooth(points), move: "0 0" };
  });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { nodes, edges, width, height };
}

interface Point {
  x: number;
  y: number;
}

function smooth(points: Point[]): string {
  const [first, ...rest] = points as [Point, ...Point[]];
  const last = rest.pop() as Point;
  let path = `M${first.x} ${first.y}`;
  rest.forEach((point, at) => {
    const next = rest[at + 1] ?? last;
    const end = at === rest.length - 1 ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    path += ` Q${point.x} ${point.y} ${end.x} ${end.y}`;
  });
  return rest.length === 0 ? `${path} L${last.x} ${last.y}` : path;
}
