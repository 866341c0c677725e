"""GLSL for everything that moves: solids, their shadow, the ghost, lines, and the smoothing of edges.

Colours are linear until the last line of a shader, which takes a square root as display gamma.
"""

from __future__ import annotations

MAX_FRAMES = 48
"""Matrices that one picture may use: two arms, the target and the objects."""

_FRAMES = f"layout(std140) uniform Frames {{ mat4 frames[{MAX_FRAMES}]; }};"

SOLID_VERTEX = (
    """
#version 330
"""
    + _FRAMES
    + """
uniform int first_frame;
uniform mat4 clip_from_base;
uniform mat4 light_from_base;
uniform vec3 eye;
uniform float push_m;         // moves the solid away from the eye, so that a ghost hides in its twin
uniform int marked;           // bit k: frame k is drawn in amber
in vec3 in_position;
in vec3 in_normal;
in vec4 in_colour;            // rgb, and the frame's number
out vec3 normal;
out vec3 to_eye;
out vec3 albedo;
out vec3 in_light;
out float height;
void main() {
    int number = first_frame + int(in_colour.a * 255.0 + 0.5);
    mat4 frame = frames[number];
    vec3 point = (frame * vec4(in_position, 1.0)).xyz;
    normal = mat3(frame) * in_normal;
    to_eye = normalize(eye - point);
    point -= push_m * to_eye;
    albedo = (marked >> number & 1) == 1 ? mix(in_colour.rgb, vec3(0.95, 0.52, 0.06), 0.75) : in_colour.rgb;
    height = point.z;
    in_light = (light_from_base * vec4(point + 0.0065 * normal, 1.0)).xyz * 0.5 + 0.5;
    gl_Position = clip_from_base * vec4(point, 1.0);
}
"""
)

SOLID_FRAGMENT = """
#version 330
uniform vec3 light;
uniform sampler2DShadow shadow_map;
uniform bool shadowed;
in vec3 normal;
in vec3 to_eye;
in vec3 albedo;
in vec3 in_light;
in float height;
out vec4 colour;
void main() {
    vec3 n = normalize(normal);
    vec3 v = normalize(to_eye);
    float facing = dot(n, light);
    float lit = max(facing, 0.0);
    if (shadowed && facing > 0.0) lit *= texture(shadow_map, in_light);
    float near_table = 0.5 + 0.5 * clamp(height * 9.0 + 0.1, 0.0, 1.0);
    vec3 sky = mix(vec3(0.105, 0.110, 0.120), vec3(0.36, 0.40, 0.46), 0.5 + 0.5 * n.z) * near_table;
    vec3 h = normalize(light + v);
    float gloss = max(dot(n, h), 0.0);
    gloss *= gloss; gloss *= gloss; gloss *= gloss; gloss *= gloss; gloss *= gloss;
    float rim = 1.0 - max(dot(n, v), 0.0);
    rim *= rim * rim;
    vec3 c = albedo * (sky + vec3(1.02, 0.97, 0.90) * lit) + 0.16 * gloss * lit + 0.10 * rim * sky;
    colour = vec4(sqrt(c / (0.86 + 0.32 * c)), 1.0);
}
"""

GHOST_FRAGMENT = """
#version 330
uniform vec3 light;
uniform vec3 tint;
in vec3 normal;
in vec3 to_eye;
in vec3 albedo;
in vec3 in_light;
in float height;
out vec4 colour;
void main() {
    vec3 n = normalize(normal);
    float rim = 1.0 - abs(dot(n, normalize(to_eye)));
    float soft = 0.55 + 0.45 * dot(n, light);
    colour = vec4(sqrt(tint * (0.45 + 0.4 * soft + 0.5 * rim)), 0.20 + 0.62 * rim * rim);
}
"""

CASTER_VERTEX = (
    """
#version 330
"""
    + _FRAMES
    + """
uniform mat4 light_from_base;
in vec3 in_position;
in vec4 in_colour;
void main() {
    mat4 frame = frames[int(in_colour.a * 255.0 + 0.5)];
    gl_Position = light_from_base * (frame * vec4(in_position, 1.0));
}
"""
)

CASTER_FRAGMENT = """
#version 330
out float covered;
void main() { covered = 1.0; }
"""

# Whatever covers a point of the table in the light's view lies above it: no depth needs comparing here.
TABLE_SHADOW_VERTEX = """
#version 330
uniform mat4 clip_from_base;
uniform mat4 light_from_base;
uniform vec4 area;            // x and y from, x and y to [m]
out vec2 in_light;
void main() {
    vec2 corner = vec2(gl_VertexID % 2, gl_VertexID / 2);
    vec4 point = vec4(mix(area.xy, area.zw, corner), 0.0005, 1.0);
    in_light = (light_from_base * point).xy * 0.5 + 0.5;
    gl_Position = clip_from_base * point;
}
"""

TABLE_SHADOW_FRAGMENT = """
#version 330
uniform sampler2D cover;
uniform float spread;         // of the soft edge, in texture coordinates
in vec2 in_light;
out vec4 factor;
void main() {
    float shade = texture(cover, in_light + spread * vec2(0.38, 0.92)).r
        + texture(cover, in_light + spread * vec2(-0.92, 0.38)).r
        + texture(cover, in_light + spread * vec2(-0.38, -0.92)).r
        + texture(cover, in_light + spread * vec2(0.92, -0.38)).r;
    factor = vec4(vec3(1.0) - shade * 0.25 * vec3(0.50, 0.475, 0.44), 1.0);
}
"""

LINE_VERTEX = """
#version 330
uniform mat4 clip_from_base;
uniform vec2 size;            // pixels
uniform float half_width;     // pixels, halo included
in vec3 before;
in vec3 here;
in vec3 after;
in vec4 side_shade;           // -1 or 1, opacity, brightness, kind
out float side;
out vec2 shade;
vec2 pixel(vec4 clip) { return clip.xy / clip.w * 0.5 * size; }
vec2 heading(vec2 step, vec2 other) {
    float steps = dot(step, step), others = dot(other, other);
    vec2 best = steps > 1e-6 ? step * inversesqrt(steps) : vec2(0.0);
    return others > 1e-6 || steps > 1e-6 ? best : vec2(1.0, 0.0);
}
void main() {
    vec4 clip = clip_from_base * vec4(here, 1.0);
    vec2 p = pixel(clip);
    vec2 a = heading(p - pixel(clip_from_base * vec4(before, 1.0)), vec2(0.0));
    vec2 b = heading(pixel(clip_from_base * vec4(after, 1.0)) - p, vec2(0.0));
    vec2 along = a + b;
    along = dot(along, along) > 1e-4 ? normalize(along) : b;
    vec2 across = vec2(-along.y, along.x);
    float mitre = 1.0 / max(dot(across, vec2(-b.y, b.x)), 0.6);
    side = side_shade.x;
    shade = side_shade.yz;
    gl_Position = clip + vec4(across * side * half_width * mitre * 2.0 / size * clip.w, 0.0, 0.0);
}
"""

LINE_FRAGMENT = """
#version 330
uniform vec3 tint;
uniform float half_width;
uniform float core;           // half width of the solid line [pixels]
in float side;
in vec2 shade;
out vec4 colour;
void main() {
    float away = abs(side) * half_width;
    float solid = clamp(core + 0.5 - away, 0.0, 1.0);
    float halo = 1.0 - away / half_width;
    colour = vec4(sqrt(tint) * shade.y, shade.x * max(solid, 0.28 * halo * halo));
}
"""

SCREEN_VERTEX = """
#version 330
void main() {
    gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}
"""

# Edge smoothing in the spirit of Lottes, "FXAA" (NVIDIA, 2009): blend along an edge where brightness jumps.
SMOOTH_FRAGMENT = """
#version 330
uniform sampler2D picture;
uniform vec2 texel;
out vec4 colour;
float brightness(vec3 c) { return dot(c, vec3(0.3, 0.6, 0.1)); }
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    vec3 middle = texelFetch(picture, at, 0).rgb;
    float m = brightness(middle);
    float n = brightness(texelFetch(picture, at + ivec2(0, -1), 0).rgb);
    float s = brightness(texelFetch(picture, at + ivec2(0, 1), 0).rgb);
    float w = brightness(texelFetch(picture, at + ivec2(-1, 0), 0).rgb);
    float e = brightness(texelFetch(picture, at + ivec2(1, 0), 0).rgb);
    float low = min(min(min(n, s), min(w, e)), m), high = max(max(max(n, s), max(w, e)), m);
    if (high - low < max(0.045, 0.11 * high)) { colour = vec4(middle, 1.0); return; }
    vec2 edge = vec2(s - n, w - e);
    edge = edge / max(min(abs(edge.x), abs(edge.y)) + 0.03 * (high + low), 1e-3);
    edge = clamp(edge, -6.0, 6.0) * texel;
    vec2 centre = gl_FragCoord.xy * texel;
    vec3 close = 0.5 * (texture(picture, centre - edge / 6.0).rgb + texture(picture, centre + edge / 6.0).rgb);
    vec3 wide = 0.5 * close
        + 0.25 * (texture(picture, centre - 0.5 * edge).rgb + texture(picture, centre + 0.5 * edge).rgb);
    float b = brightness(wide);
    colour = vec4(b < low || b > high ? close : wide, 1.0);
}
"""
