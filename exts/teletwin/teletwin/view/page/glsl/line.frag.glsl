// A line with its glow.
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
