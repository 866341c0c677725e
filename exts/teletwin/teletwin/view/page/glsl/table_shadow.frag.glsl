// Darkens the table by what covers it in the lamp's view: that lies above it, no depth needs comparing.
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
