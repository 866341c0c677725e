// Thick lines on the screen.
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
