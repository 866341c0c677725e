// The part of the table on which shadows may fall.
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
